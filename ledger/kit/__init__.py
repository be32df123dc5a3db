"""The deletion workers' kit: neither does data vanish nor is it said to have, without the other."""
