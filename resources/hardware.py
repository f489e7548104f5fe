"""The hardware resource: one decision on device, precision and threads for a whole run."""

from __future__ import annotations

from dagster import ConfigurableResource

from releaf.training.device import Hardware, detect


class HardwareResource(ConfigurableResource):  # type: ignore[type-arg]
    """Which device to use: `auto` takes CUDA, else MPS, else CPU; precision `auto` follows the device."""

    device: str = "auto"
    precision: str = "auto"

    def choose(self) -> Hardware:
        """Decide now; raises `HardwareError` for an impossible choice."""
        return detect(self.device, self.precision)

    def metadata(self, hardware: Hardware) -> dict[str, str]:
        """The decision as it is shown on a materialization."""
        return {
            "hardware": f"{hardware.device}, {hardware.precision}, {hardware.threads} threads, "
            f"{hardware.memory_bytes / 2**30:.1f} GiB free"
        }
