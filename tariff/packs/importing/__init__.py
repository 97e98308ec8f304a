"""Makes packs from the workbooks of national tables: see docs/importing.md."""
