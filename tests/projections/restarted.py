"""What another process reads of what this one wrote."""

from typing import Any

from projections import docket, docket_rows, holdings
from projections.docket import Docket
from projections.fold import Fold


def restarted(fold: Fold) -> Fold:
    """The state, gone out as rows and come back."""
    return Fold(
        read_back(fold.docket),
        {index: docket.decode_edge(docket.encode_edge(edge)) for index, edge in fold.edges.items()},
        {handle: holdings.decode_row(holdings.encode_row(held)) for handle, held in fold.holdings.items()},
    )


def read_back(written: Docket) -> Docket:
    """The docket, gone out as rows and come back."""
    series: dict[str, list[Any]] = {}
    for name, number, row in docket_rows.added_rows(docket.EMPTY, written):
        assert number == len(series.setdefault(name, []))
        series[name].append(docket_rows.decode_row(name, row))
    return docket_rows.make_docket(docket_rows.encode_stores(written), series)
