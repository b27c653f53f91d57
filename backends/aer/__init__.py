"""The Aer engine: state vectors under the full noise of a calibration."""
