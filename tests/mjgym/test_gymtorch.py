import pytest
import torch

from mjgym.descriptor import Tensor
from mjgym.gymtorch import unwrap_tensor, wrap_tensor


def test_wrap_aliases_the_memory():
    memory = torch.zeros(4, 2)
    descriptor = Tensor(memory)
    wrapped = wrap_tensor(descriptor)
    wrapped[1, 0] = 3
    assert memory[1, 0] == 3
    assert wrap_tensor(descriptor) is wrapped


def test_unwrap_aliases_the_memory_and_describes_it():
    tensor = torch.zeros(3, 13)
    descriptor = unwrap_tensor(tensor)
    assert descriptor.data_ptr == tensor.data_ptr()
    assert (descriptor.shape, descriptor.ndim, descriptor.dtype) == ((3, 13), 2, torch.float32)


def test_unwrap_refuses_strided_views():
    with pytest.raises(ValueError, match=r"contiguous.*strides \(2,\)"):
        unwrap_tensor(torch.zeros(4, 2)[:, 0])


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="not list"):
        unwrap_tensor([1.0])
    with pytest.raises(TypeError, match="not Tensor; a torch tensor needs no wrapping"):
        wrap_tensor(torch.zeros(1))


def test_a_tensor_that_needs_gradients_is_detached():
    parameter = torch.zeros(3, requires_grad=True)
    assert not unwrap_tensor(parameter).torch.requires_grad
