"""The evidence pack: what a month rests on, in one signed archive that anybody can verify."""
