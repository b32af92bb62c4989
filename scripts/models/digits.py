"""The digits classifier: a small CNN trained on scikit-learn's 8x8 digits.

Version 1 is TorchScript, version 2 is the same network compiled by AOTInductor.
"""

import warnings

NAME = "digits"
PACKAGES = ["torch", "scikit-learn"]
OUTPUTS = ["1/model.pt", "2/model.pt2"]
MAX_BATCH = 64
EPOCHS = 30
LOWEST_ACCURACY = 0.97


def split():
    """Train and held-out parts: images FP32 [n, 1, 8, 8] in 0..1 and labels INT64 [n], as numpy."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = (digits.images / 16.0).astype("float32").reshape(-1, 1, 8, 8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, digits.target, test_size=0.25, random_state=0)
    return (train_images, train_labels), (test_images, test_labels)


def held_out():
    """The images and labels the classifier never saw in training."""
    return split()[1]


def network():
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10))


def train(model, images, labels):
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(images)).split(32):
            loss = torch.nn.functional.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return model.eval()


def accuracy(model, images, labels):
    return (model(images).argmax(1) == labels).float().mean().item()


def export_torchscript(model, path):
    import torch

    frozen = torch.jit.freeze(torch.jit.script(model))
    torch.jit.save(frozen, str(path))


def export_aotinductor(model, example, path):
    import torch

    batch = torch.export.Dim("batch", min=1, max=MAX_BATCH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.export.export(model, (example,), dynamic_shapes=({0: batch},))
        # One thread: the number of threads is compiled in, and engines run many small batches.
        # The format has no field for the version: the engine compares this entry with its own.
        settings = {"cpp.threads": 1,
                    "aot_inductor.metadata": {"torch_version": torch.__version__}}
        torch._inductor.aoti_compile_and_package(program, package_path=str(path),
                                                 inductor_configs=settings)


def make(paths, say):
    import torch

    torch.manual_seed(0)
    (train_images, train_labels), (test_images, test_labels) = (
        tuple(torch.from_numpy(array) for array in part) for part in split())
    say(f"training on {len(train_images)} images")
    model = train(network(), train_images, train_labels)

    with torch.inference_mode():
        reached = accuracy(model, test_images, test_labels)
        say(f"accuracy on {len(test_images)} held-out images: {reached:.4f}")
        if reached <= LOWEST_ACCURACY:
            raise SystemExit(f"digits: accuracy {reached:.4f}, expected more than {LOWEST_ACCURACY}")

    say("exporting TorchScript")
    export_torchscript(model, paths["1/model.pt"])
    say("compiling with AOTInductor (about half a minute)")
    # AOTInductor compiles the example's strides in: they must be those of a contiguous tensor.
    export_aotinductor(model, torch.rand(2, 1, 8, 8), paths["2/model.pt2"])
    check(model, test_images, paths)


def check(model, images, paths):
    """Both exports agree with the trained module at several batch sizes."""
    import torch

    exports = [torch.jit.load(str(paths["1/model.pt"])),
               torch._inductor.aoti_load_package(str(paths["2/model.pt2"]))]
    with torch.inference_mode():
        for rows in (1, 2, 3, 17, MAX_BATCH):
            for export in exports:
                torch.testing.assert_close(export(images[:rows]), model(images[:rows]),
                                           rtol=1e-4, atol=1e-4)
