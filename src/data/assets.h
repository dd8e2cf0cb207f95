/* assets.h: texts that are built into the program, from assets/NAME.txt and NAME.c. */
#ifndef IV_DATA_ASSETS_H
#define IV_DATA_ASSETS_H

extern const unsigned long iv__asset_tales_size;
extern const unsigned char iv__asset_tales[];

/* C of one-file models, section by section (models/common_c.c). */
extern const unsigned long iv__asset_export_kernels_size, iv__asset_export_text_size;
extern const unsigned char iv__asset_export_kernels[], iv__asset_export_text[];

#endif
