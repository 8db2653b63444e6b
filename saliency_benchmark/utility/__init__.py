"""Do maps help anybody? Questions about models, their maps, and simulated users who answer them (arXiv 2312.06032)."""
