"""The curator's half of the API: who may reach what in the bucket, asked for, given, taken away, compared with AWS."""
