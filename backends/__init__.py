"""Where it runs: devices and noise, compilation to a device, and one adapter per engine."""
