"""Who asks: API keys and OAuth2 tokens, what each may do, and for which agency."""
