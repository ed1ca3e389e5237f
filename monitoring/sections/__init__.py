"""The sections of the board page, one file each: findings in, sentences, charts and tables out."""
