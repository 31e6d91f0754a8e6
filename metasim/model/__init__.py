"""Networks: the attribute GCN that generates, the inverse network that reads images."""
