/* assets.h: texts that are built into the program, from assets/NAME.txt. */
#ifndef IV_DATA_ASSETS_H
#define IV_DATA_ASSETS_H

extern const unsigned long iv_asset_tales_size;
extern const unsigned char iv_asset_tales[];

#endif
