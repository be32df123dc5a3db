"""What the events mean: vocabulary, folds, orders, verdicts. Pure, except `runners/` and `store.py`."""
