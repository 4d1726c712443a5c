"""What is told of training: figures of an epoch and of a run, diagnostics, metrics.jsonl, observers."""
