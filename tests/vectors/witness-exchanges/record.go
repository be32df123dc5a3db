package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	wc "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/witness"
)

type Exchange struct {
	What      string `json:"what"`
	Request   string `json:"request"`
	Status    int    `json:"status"`
	Type      string `json:"content_type"`
	Body      string `json:"body"`
	Concluded string `json:"concluded"`
}

type tap struct{ last *Exchange }

func (t tap) RoundTrip(r *http.Request) (*http.Response, error) {
	b, _ := io.ReadAll(r.Body)
	t.last.Request = string(b)
	r.Body = io.NopCloser(bytes.NewReader(b))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(a))
	t.last.Status, t.last.Type, t.last.Body = resp.StatusCode, resp.Header.Get("Content-Type"), string(a)
	return resp, nil
}

func main() {
	u, _ := url.Parse(os.Args[1])
	var cases []struct{ What, Request string }
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	names := map[error]string{witness.ErrUnknownLog: "unknown log", witness.ErrNoValidSignature: "no valid signature", witness.ErrOldSizeInvalid: "old size invalid", witness.ErrInvalidProof: "invalid proof", witness.ErrPushback: "pushback", witness.ErrRootMismatch: "root mismatch"}
	var out []Exchange
	for _, c := range cases {
		head, note, _ := strings.Cut(c.Request, "\n\n")
		lines := strings.Split(head, "\n")
		old, err := strconv.ParseUint(strings.TrimPrefix(lines[0], "old "), 10, 64)
		if err != nil {
			panic(err)
		}
		var proof [][]byte
		for _, l := range lines[1:] {
			h, _ := base64.StdEncoding.DecodeString(l)
			proof = append(proof, h)
		}
		e := Exchange{What: c.What}
		_, size, err := wc.NewWitness(u, &http.Client{Transport: tap{&e}}).Update(context.Background(), old, []byte(note), proof)
		switch {
		case err == nil:
			e.Concluded = "cosigned"
		case errors.Is(err, witness.ErrCheckpointStale):
			e.Concluded = fmt.Sprintf("stale: it has %d", size)
		default:
			e.Concluded = "failed: " + err.Error()
			for k, n := range names {
				if errors.Is(err, k) {
					e.Concluded = n
				}
			}
		}
		out = append(out, e)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	enc.Encode(out)
}
