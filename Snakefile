# placeholder, replaced when the workflow lands
