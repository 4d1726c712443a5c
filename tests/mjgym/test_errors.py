from mjgym.errors import missing_name_error, near_names, unknown_name_message


def test_near_names_ignores_case_and_orders_by_likeness():
    known = ["create_env", "create_actor", "simulate"]
    assert near_names("Create_Envs", known)[0] == "create_env"
    assert near_names("zzz", known) == []


def test_unknown_name_lists_all_when_nothing_is_near():
    assert unknown_name_message("engine", "zzz", ["a1", "b2"]) == "'zzz' is no engine; known: a1, b2"


def test_missing_name_tells_misspelt_from_not_built():
    misspelt = missing_name_error("method", "simulat", ["simulate"], ["create_tet_grid"], "Gym")
    assert isinstance(misspelt, AttributeError)
    assert str(misspelt) == "'simulat' is no method of Gym; near it: simulate"
    real = missing_name_error("method", "create_tet_grid", ["simulate"], ["create_tet_grid"], "Gym")
    assert isinstance(real, NotImplementedError)
    assert "Gym.create_tet_grid" in str(real)
    assert "docs/mjgym.md" in str(real)
