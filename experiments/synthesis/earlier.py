"""Circuits that searches start from or were held against; no scheme ships them.

Written as in `searched`, with the same reads, so each can stand in for the shipped one.
"""

HADAMARD_13_FIRST = """
    x1>f1 x2>f2 x3>f3
    f1>n1 f2>n2 f3>n3
    n1>e1 n2>e2 n3>e3
    e2>c  f1>n1
    e3>c  x1>f1
    c>e1
    e3>c
    e2>c  n3>e3
    n2>e2 f3>n3
    f2>n2 x3>f3
    x2>f2
"""
"""22 CX in 11 layers: the fewest that were found."""

HADAMARD_14_FIRST = """
    x1>f1 x2>f2 x3>f3
    f1>n1 f2>n2 f3>n3
    n1>e1 n3>e3
    e1>c
    e3>c
    c>e2
    e2>n2
    n2>r
    e2>n2
    c>e2  f2>n2
    e3>c  x2>f2
    e1>c  n3>e3
    n1>e1 f3>n3
    f1>n1 x3>f3
    x1>f1
"""
"""25 CX in 15 layers: the fewest that were found."""

DETECTION_13_FIRST = """
    H:e3 H:f1 H:f2
    c>e1  n2>e2 f1>n1 x3>f3
    e1>n1 f2>n2
    n1>e1 x2>f2
    e1>c  f2>x2
    e3>c
    c>e1
    e3>c  e1>n1
    e2>c  f1>n1 n3>e3
    c>e2  x1>f1
    n2>e2 e3>c
    e2>n2 e3>n3
    f3>n3 n2>e2
    n3>f3 c>e2  n2>f2
    e3>c  f3>x3
    n3>e3 e1>c
    H:f3
    e3>n3 n1>e1
    c>e3  f1>n1
    c>e1  f1>x1
    e1>c
    e2>c
    c>e3
    e1>c  e3>n3
    c>e3  n1>e1
    e2>c
    c>e2
    e2>n2
    n2>f2 e2>c
    H:e2 H:f1
"""
"""50 CX in 27 layers; its checks come in the order Z1 X3 Z2 X1 Z3 X2."""

DETECTION_13_FEWEST = """
    n2>e2 H:e1 H:e3 H:f2
    e1>n1 e2>n2
    n1>f1 c>e1 f2>n2
    e1>n1 e3>c H:f1 x2>f2
    e3>n3 f1>x1 c>e2 H:e1 f2>x2
    c>e1 H:f1 n3>f3
    e2>c n1>f1 e3>n3 x3>f3
    c>e1 n2>e2 n3>e3 f3>x3 H:f1
    e1>n1 e2>c f3>n3 x1>f1
    e2>n2 e1>c H:f3
    c>e2 n1>e1
    e2>n2 e3>c f1>n1
    c>e2 n2>f2 H:f1
    c>e3 e2>n2
    e1>c n3>e3 n2>f2
    e2>c n1>e1
    c>e3
    e3>n3 c>e1
    c>e3
    e2>c
    c>e3 H:e2
"""
"""49 CX in 20 layers: the fewest that were found."""

DETECTION_TREE_FIRST = """
    a4>v4 a1>v1 H:v2  H:e2
    v4>e4 e2>v0 v1>a1
    e4>v3 v2>e2
    a3>v3 e4>v4 b2>v2
    v3>e3 H:v4  v2>b2
    e3>v0 v4>e4 a3>v3
    v0>e1 v4>b4
    v0>e2 e1>v1 e4>v4
    v0>e3 b1>v1
    v3>e3 v1>e1
    e3>v0 e4>v3 b1>v1
    v3>e3 e1>v0 v1>a1 v4>e4
    e3>v3
    e3>v0 v3>a3
    v0>e1 e3>v3
    e1>v1 e2>v0 e4>v3
    v1>e1 e2>v2 v0>e3
    v2>e2 e3>v3 v1>a1 e1>v0
    a1>v1 v3>e4
    v1>b1 v3>a3 e4>v4
    e3>v3 a4>v4
    v0>e3 v4>e4
    e2>v0 v4>a4
    e1>v0 a4>v4
    e3>v0
    v0>e2 e3>v3
    e2>v2 e1>v0 v3>e4
    a2>v2 v3>e3 v1>e1
    v2>a2 v3>a3 H:v1
    v2>e2 e4>v3
    H:v2  e4>v4
    b4>v4 H:e4
"""
"""74 CX in 32 layers."""
