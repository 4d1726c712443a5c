"""Random network distillation (`rnd_config`): rewards for observations unlike those seen before."""
