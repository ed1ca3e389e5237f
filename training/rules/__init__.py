"""Rules before they stand: what they would have done, and who approves them."""
