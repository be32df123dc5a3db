"""Samples: asked for in the log, drawn by what nobody could choose, looked for. See docs/sample.md."""
