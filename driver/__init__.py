"""How a run goes: command line, plan, engine, ledger and run folder."""
