"""The whole path of an experiment: target, matching, verdict, summary."""

from metasim.pipeline.experiment import Experiment

__all__ = ["Experiment"]
