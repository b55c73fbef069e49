"""Studies: catalogue, expression store, annotations, differential expression and correlation."""
