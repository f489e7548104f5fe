"""Pictures and pages made to be read. Takes plain figures, arrays and file names; computes no figure of merit itself."""
