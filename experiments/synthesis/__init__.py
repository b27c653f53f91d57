"""Search for shorter circuits: H_m and ED by their exact number of bad single faults, encoders."""
