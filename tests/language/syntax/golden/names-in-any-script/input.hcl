größe = 1
名前-x = 2
áb = 3
