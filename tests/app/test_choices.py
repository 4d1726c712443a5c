import pytest

from app.choices import default_train, resolve_names


@pytest.fixture
def dirs(tmp_path):
    """Two directories: the second has a task with an AMP variant and a train file of each kind."""
    own, common = tmp_path / "own", tmp_path / "common"
    for name in ("Walker", "WalkerAMP", "Plain"):
        (common / "task").mkdir(parents=True, exist_ok=True)
        (common / "task" / f"{name}.yaml").write_text(f"name: {name}\n")
    for name, algo in (("Imitate", "amp_continuous"), ("WalkerPPO", "a2c_continuous")):
        (common / "train").mkdir(exist_ok=True)
        (common / "train" / f"{name}.yaml").write_text(f"params: {{algo: {{name: {algo}}}}}\n")
    (own / "train").mkdir(parents=True)
    (own / "train" / "Mine.yaml").write_text("params: {algo: {name: amp_mine}}\n")
    return [own, common]


@pytest.mark.parametrize("train", ["Imitate", "Mine"])
def test_train_file_that_needs_motions_takes_the_tasks_variant(dirs, train):
    choices = resolve_names(["-m", "task=Walker", f"train={train}", "seed=1,2"], dirs)
    assert choices.arguments == ["-m", "task=WalkerAMP", f"train={train}", "seed=1,2"]
    assert choices.notes == (f"train={train} learns from motions, so task=Walker is task=WalkerAMP",)


@pytest.mark.parametrize(
    "arguments",
    [
        ["task=Walker", "train=WalkerPPO"],
        ["task=Walker"],
        ["train=Imitate"],
        ["task=WalkerAMP", "train=Imitate"],
        ["task=Plain", "train=Imitate"],
        ["task=Walker", "train=Unknown"],
        ["task=Walker,Plain", "train=Imitate"],
    ],
)
def test_other_choices_stay(dirs, arguments):
    choices = resolve_names(arguments, dirs)
    assert (choices.arguments, choices.notes) == (arguments, ())


def test_broken_train_file_is_left_to_composition(dirs):
    (dirs[0] / "train" / "Broken.yaml").write_text("params: [\n")
    arguments = ["task=Walker", "train=Broken"]
    assert resolve_names(arguments, dirs).arguments == arguments


def test_isaacgymenvs_names_of_train_files():
    assert resolve_names(["train=HumanoidAMPPPOLowGP"], []).arguments == ["train=HumanoidAMPLowGP"]
    assert resolve_names(["train=HumanoidAMPPPO"], []).arguments == ["train=HumanoidAMP"]


def test_default_train_files():
    assert default_train("Ant") == "AntPPO"
    assert default_train("HumanoidAMP") == "HumanoidAMP"
    assert default_train("HumanoidAMPHands") == "HumanoidAMPLowGP"
