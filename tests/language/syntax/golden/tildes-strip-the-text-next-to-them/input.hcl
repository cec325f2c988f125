a = " b ${~ c ~} d "
