"""What several suites need: processes with an owner, waits with a deadline, and readers independent of Freshline."""
