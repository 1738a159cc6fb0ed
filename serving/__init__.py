"""From a query to its one response."""
