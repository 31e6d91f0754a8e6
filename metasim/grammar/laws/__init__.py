"""Attribute laws as a grammar file writes them: ``law: {normal: {mean: 180, std: 10}}``."""

from metasim.grammar.laws.base import ClassName as ClassName
from metasim.grammar.laws.base import Law as Law
from metasim.grammar.laws.base import Weight as Weight
from metasim.grammar.laws.compound import AnyLaw as AnyLaw
from metasim.grammar.laws.elementary import Fixed as Fixed
