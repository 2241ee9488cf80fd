package files

import "path/filepath"

// ImageExtension ends the names of images. It is no format: that is read from the file.
const ImageExtension = ".img"

// ImagePath is where the image of a name lies.
func ImagePath(dir, name string) string { return filepath.Join(dir, name+ImageExtension) }
