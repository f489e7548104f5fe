"""Datasets: authored and imported files, validated into tables, with a quarantine for rows that cannot be used."""
