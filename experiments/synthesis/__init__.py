"""Search for shorter H_m and ED circuits, judged by the exact number of bad single faults."""
