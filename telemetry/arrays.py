"""Name the NumPy array types that every program shares."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
CodeArray: TypeAlias = NDArray[np.int32]
"""Indices into a list of names."""
BoolArray: TypeAlias = NDArray[np.bool_]
