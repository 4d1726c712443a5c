from app import resolvers


def test_eq_ignores_case():
    assert resolvers.eq("GPU", "gpu")
    assert not resolvers.eq("gpu", "cpu")


def test_contains_ignores_case():
    assert resolvers.contains("CUDA", "cuda:0")
    assert not resolvers.contains("cuda", "cpu")


def test_if_takes_null_for_false():
    assert resolvers.choose(None, 1, 2) == 2
    assert resolvers.choose("runs/x.pth", 1, 2) == 1


def test_resolve_default_takes_null_and_empty_for_unset():
    assert resolvers.resolve_default(512, None) == 512
    assert resolvers.resolve_default(512, "") == 512
    assert resolvers.resolve_default(512, 0) == 0
    assert resolvers.resolve_default(512, 64) == 64
