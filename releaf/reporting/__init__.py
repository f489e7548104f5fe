"""Pictures and pages made to be read. Takes plain figures, arrays and names; computes no figure of merit itself."""
