"""What emulated UEs do over a longer time: stay attached, or live a life of chance."""

from cinq.ran.scenarios.churn import Step, churn
from cinq.ran.scenarios.stay import stay

__all__ = ["Step", "churn", "stay"]
