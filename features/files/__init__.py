"""Reading files: their cells, what a mapping says of them, and the fields of a record."""
