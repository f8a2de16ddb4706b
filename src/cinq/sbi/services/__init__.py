"""One module per service: its Protocol, and the shapes that only it uses. Attribute names are the API's."""
