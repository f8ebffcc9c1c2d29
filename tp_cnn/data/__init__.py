"""From bytes on disk to normalised batches on the device."""
