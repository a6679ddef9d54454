"""Looking inside: a training step opened, gradients checked, predictions explained, pictures."""
