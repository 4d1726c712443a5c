"""What is gathered to learn from: observations, actions, shaped rewards and next values, and what holds them.

Experience and replay buffers, a recurrent policy's states, and the minibatches that an update takes.
"""
