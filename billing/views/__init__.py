"""Pages of tokens and money: overview, buying, orders, subscription, notices."""
