"""ReleAF's domain: what the models, indexes and datasets are and how they are made.

Nothing here knows Dagster, a web server, or where files live: functions take paths, arrays and frames.
"""
