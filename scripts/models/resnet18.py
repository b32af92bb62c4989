"""A network of ResNet-18's shape with made weights: for benchmarks, where only its cost matters."""

NAME = "resnet18"
PACKAGES = ["torch"]
OUTPUTS = ["1/model.pt"]


def block(inputs, outputs, stride):
    """Two 3x3 convolutions and a shortcut, as He et al. 2015 (arXiv:1512.03385), figure 2."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.path = nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
            same = stride == 1 and inputs == outputs
            self.shortcut = nn.Identity() if same else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

        def forward(self, x):
            return nn.functional.relu(self.path(x) + self.shortcut(x))

    return Block()


def network():
    from torch import nn

    stages, inputs = [], 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        stages += [block(inputs, outputs, stride), block(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)).eval()


def make(paths, say):
    import torch

    torch.manual_seed(0)
    say("exporting a network of ResNet-18's shape with made weights")
    with torch.inference_mode():
        traced = torch.jit.trace(network(), torch.rand(2, 3, 224, 224))
        torch.jit.save(torch.jit.freeze(traced), str(paths["1/model.pt"]))
