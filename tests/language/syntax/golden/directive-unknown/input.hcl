a = "%{ esle }"
