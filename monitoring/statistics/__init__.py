"""What the report's figures are worked out from: pure functions, frames in, frames out."""
