"""Pure rules about a model and its numbers; training, serving and monitoring share them."""
