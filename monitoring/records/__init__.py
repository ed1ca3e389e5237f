"""Records for the board and for publication: model cards, datasheets, change log, ATRS record."""
